# The command `detect` in a container: the wheel of this release, what it needs in the pinned versions, a user without rights.
#   make image
#   docker run --rm -i ollama-detect:0.1.0 scan - --host gpu-1 < server.log
# `make image` puts the wheels beside this file; nothing is fetched from PyPI in here.
FROM debian:trixie-slim AS python
RUN apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ca-certificates python3 \
    && rm -rf /var/lib/apt/lists/*

FROM python AS build
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends python3-venv
COPY . /context
RUN python3 -m venv /opt/detect \
    && /opt/detect/bin/pip install --no-cache-dir --no-index --find-links /context/wheels --require-hashes --requirement /context/requirements.lock \
    && /opt/detect/bin/pip install --no-cache-dir --no-index --no-deps /context/release/*.whl \
    && /opt/detect/bin/pip uninstall --yes pip

FROM python
COPY --from=build /opt/detect /opt/detect
RUN useradd --uid 10001 --create-home detect
ENV PATH=/opt/detect/bin:$PATH PYTHONDONTWRITEBYTECODE=1
USER 10001
WORKDIR /data
ENTRYPOINT ["detect"]
CMD ["--help"]
