# The operator's image; docs/image.md says what is in it and how to check where it came from.
#
# Three stages: the wheel, which is the same for every processor; an environment with it and its pinned
# dependencies; and the image, which gets that environment and nothing else. Both bases are one image,
# named by tag for people and by digest for machines: Dependabot moves the two together.

FROM --platform=$BUILDPLATFORM python:3.13.16-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c AS wheel
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements-build.lock ./
RUN python -m pip install --only-binary :all: --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
COPY templates templates
COPY crds crds
# The times in the wheel, so that the same sources give the same wheel, byte for byte.
ARG SOURCE_DATE_EPOCH=1577836800
RUN python -m hatchling build -t wheel -d /dist

FROM python:3.13.16-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c AS environment
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.lock /build/
COPY --from=wheel /dist /build/dist
# The image is read-only when it runs, so byte code is written now; it is not compared with its source
# again. The Kubernetes client's thousand models are left out: of those hardly one is ever imported.
RUN python -m venv --without-pip /opt/homelab-netpol \
    && python -m pip --python /opt/homelab-netpol/bin/python install --no-compile --only-binary :all: \
        --require-hashes -r /build/requirements.lock \
    && python -m pip --python /opt/homelab-netpol/bin/python install --no-compile --no-deps \
        --no-index /build/dist/*.whl \
    && /opt/homelab-netpol/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash \
        -x '/kubernetes/(aio/)?client/(api|models)/' /opt/homelab-netpol/lib

FROM python:3.13.16-slim-trixie@sha256:bf44cdfcb76cd3b41e879bc058fc37ec5872002ccfde7fcb765e218cde0cd79c
# Nothing is ever installed here, so what installs goes, and the copy of it that makes environments.
RUN python -m pip uninstall --yes --root-user-action ignore pip \
    && rm -r "$(python -c 'import ensurepip, os; print(os.path.dirname(ensurepip.__file__))')"
COPY --from=environment /opt/homelab-netpol /opt/homelab-netpol
ENV PATH=/opt/homelab-netpol/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HEALTH_PORT=8080
WORKDIR /
USER 65532:65532
ENTRYPOINT ["homelab-netpol"]
CMD ["run"]
# For Docker and Podman; Kubernetes asks by the probes of the Deployment. The same page as its liveness
# probe, which answers while the event loop hangs; `-I -S` starts Python without looking at packages.
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s --retries=3 \
    CMD ["python", "-I", "-S", "-c", "import http.client, os, sys; http = http.client.HTTPConnection('127.0.0.1', int(os.environ['HEALTH_PORT']), timeout=4); http.request('GET', '/healthz'); sys.exit(http.getresponse().status != 200)"]
# Last, since they change with every build.
ARG VERSION=unreleased
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="homelab-netpol" \
    org.opencontainers.image.description="Label a Namespace and walk away: Cilium network policies from Namespace labels." \
    org.opencontainers.image.licenses="Apache-2.0" \
    org.opencontainers.image.version="$VERSION" \
    org.opencontainers.image.revision="$REVISION" \
    org.opencontainers.image.source="$SOURCE"
