# One image for every process; docker-compose.yml says which one it runs.
FROM python:3.11-slim-bookworm AS build
RUN pip install --no-cache-dir uv==0.13.9
COPY requirements.txt .
RUN uv venv /venv && uv pip install --no-cache --python /venv/bin/python -r requirements.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /data notebook \
    && install --directory --owner notebook --mode 0700 /data
COPY --from=build /venv /venv
WORKDIR /app
COPY . .
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    DATA_DIR=/data \
    STATIC_ROOT=/app/staticfiles \
    DJANGO_SETTINGS_MODULE=notebook.settings \
    DO_NOT_TRACK=1 \
    HOST=0.0.0.0
RUN python -m compileall -q . && python manage.py collectstatic --noinput
USER notebook
VOLUME /data
EXPOSE 8000
CMD ["python", "-m", "notebook.stack.web"]
