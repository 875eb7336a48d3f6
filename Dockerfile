# docker build -t leveret .
# docker run -p 5672:5672 -p 15672:15672 -v leveret:/var/lib/leveret leveret

FROM python:3.11-bookworm AS build
COPY . /source
# Compiled here, where there is a compiler; the image itself has none.
RUN python -m venv /opt/leveret && /opt/leveret/bin/pip install --no-cache-dir /source
# So that health checks and scripts made for RabbitMQ's image run as they are.
RUN /opt/leveret/bin/leveret ctl install-shim /opt/leveret/bin

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 999 --user-group --home-dir /var/lib/leveret --create-home leveret \
    && chmod 0700 /var/lib/leveret
COPY --from=build /opt/leveret /opt/leveret
COPY packaging/container.toml /etc/leveret/leveret.toml
ENV PATH=/opt/leveret/bin:$PATH \
    LEVERET_CONFIG=/etc/leveret/leveret.toml \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
VOLUME /var/lib/leveret
# AMQP, the same over TLS, the HTTP API with its page, metrics.
EXPOSE 5672 5671 15672 15692 1883 8883 61613 61614 15674 15675
USER leveret
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --start-interval=2s \
    CMD ["leveret", "ctl", "--quiet", "--timeout", "5", "ping"]
CMD ["leveret", "serve"]
