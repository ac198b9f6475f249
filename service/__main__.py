"""`python -m service`: the HTTP API at FEWPAIRS_HOST and FEWPAIRS_PORT."""


def main() -> None:
    # The decoding processes import this module too, and need none of this.
    import uvicorn

    from service.app import create_app
    from service.observe import log_as_json
    from store.settings import Settings

    log_as_json()
    settings = Settings()
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        access_log=False,
        log_level="warning",
        timeout_graceful_shutdown=5,
    )


if __name__ == "__main__":
    main()
