# The wheel is built in one stage and installed, with pinned and hashed dependencies, in the other.
FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements-dev.lock ./
RUN python -m pip install --no-cache-dir --require-hashes -r requirements-dev.lock
COPY pyproject.toml README.md LICENSE ./
COPY operator operator
COPY templates templates
COPY crds crds
RUN python -m hatchling build -t wheel -d /dist

FROM python:3.13-slim
COPY requirements.lock /tmp/
COPY --from=build /dist/*.whl /tmp/
RUN python -m pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock \
    && python -m pip install --no-cache-dir --no-deps /tmp/*.whl \
    && rm /tmp/requirements.lock /tmp/*.whl
USER 65532:65532
ENTRYPOINT ["homelab-netpol"]
