"""The addresses of a node: its pods, its uplink, and who is outside the cluster."""

PODS = "10.244.0.0/16"
NODE_PODS = "10.244.0.0/24"
NODE = "192.168.77.2"
UPLINK = "ext0"

# All of them are in the network namespace `world`, at the other end of the uplink.
WORLD = "world"
ROUTER = "192.168.77.1"
# Where the `kubernetes` Service leads: the entity kube-apiserver. Its other end is the test's.
API_SERVER = "192.168.77.3"
INTERNET = "203.0.113.7"
# Others on the internet, for names that tests make up.
NAMED = tuple(f"203.0.113.{number}" for number in range(16, 32))
