# syntax=docker/dockerfile:1
# Three images from one file: `service` (API and migrations, without torch), `worker-cpu` and `worker-gpu`.

FROM node:24.19-slim AS pages
WORKDIR /web
COPY web ./
RUN npm ci --ignore-scripts && npm run build -- --outDir /pages

FROM python:3.12-slim-trixie AS base
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 FEWPAIRS_DATA_DIR=/data
RUN useradd --create-home --uid 1000 fewpairs && install -d -o fewpairs -g fewpairs /data
WORKDIR /app

FROM base AS source
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY fewpairs fewpairs
COPY service service
COPY --from=pages /pages service/pages/dist
COPY worker worker
COPY models models
COPY store store
COPY processes processes
COPY folders folders
COPY scenes scenes
COPY formats formats
COPY migrations migrations
COPY backups backups

FROM source AS service-build
RUN python -m venv /venv && /venv/bin/pip install -c constraints.txt '.[service]'

# PyPI has the CUDA build of torch, which is gigabytes larger than the CPU build.
FROM source AS worker-cpu-build
RUN python -m venv /venv && /venv/bin/pip install -c constraints.txt \
    --extra-index-url https://download.pytorch.org/whl/cpu '.[worker]'

FROM source AS worker-gpu-build
RUN python -m venv /venv && /venv/bin/pip install -c constraints.txt '.[worker-gpu]'

FROM base AS service
COPY --from=service-build /venv /venv
ENV PATH=/venv/bin:$PATH FEWPAIRS_HOST=0.0.0.0
USER fewpairs
EXPOSE 8000
VOLUME /data
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
    CMD python -c "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"
CMD ["python", "-m", "service"]

FROM base AS worker
# Weights are downloaded once, into the volume, and what libraries keep goes there too: the rest of the container may be
# read-only. Waiting threads do not spin: on shared cores spinning made trainings several times slower.
ENV PATH=/venv/bin:$PATH OMP_WAIT_POLICY=PASSIVE XDG_CACHE_HOME=/data/cache MPLCONFIGDIR=/data/cache/matplotlib \
    TORCHINDUCTOR_CACHE_DIR=/data/cache/inductor TRITON_HOME=/data/cache
USER fewpairs
VOLUME /data
CMD ["python", "-m", "worker"]

FROM worker AS worker-cpu
COPY --from=worker-cpu-build /venv /venv

FROM worker AS worker-gpu
COPY --from=worker-gpu-build /venv /venv
