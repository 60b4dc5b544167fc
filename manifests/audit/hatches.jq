# Who opened and who closed an escape hatch, and when: one line each, from an audit log that was written by
# policy.yaml: `jq -rn -f hatches.jq audit.log`; of a rotated log, the older files first.
#
# Columns: time, user, what happened, Namespace, by which program. `found open`: by then it was open, and the
# log does not say since when.
"network-policy.homelab/enforcement" as $key
| foreach (
    inputs
    | select(.objectRef.resource == "namespaces" and .objectRef.subresource == null)
    | select(.responseStatus.code < 300 and (.requestURI | contains("dryRun=") | not))
  ) as $event (
    { known: {} };
    ($event.responseObject.metadata.name // $event.objectRef.name) as $name
    # A JSON patch is a list of operations.
    | ($event.requestObject | if type == "object" then . else {} end) as $sent
    # Whoever sends a whole object says what is in it, and not what he changes.
    | ($sent.kind == null and ($sent.metadata.labels // {} | has($key))) as $changes
    | (.known[$name] // (if $event.responseStatus.code == 201 then "" else null end)) as $before
    | (if $event.verb == "delete" then ""
       else $event.responseObject.metadata.labels[$key] // "" end) as $after
    | .known[$name] = $after
    | .line = (
        if $after == "disabled" then
          if $before == "disabled" then null
          elif $before != null or $changes then "opened"
          else "found open" end
        elif $before == "disabled" or ($before == null and $changes) then "closed"
        else null end
        | if . == null then null
          else [ $event.requestReceivedTimestamp,
                 ([$event.user.username, $event.impersonatedUser.username | values] | join(" as ")),
                 ., $name, ($event.userAgent // "?" | split(" ")[0]) ]
          end
      );
    .line | values | @tsv
  )
