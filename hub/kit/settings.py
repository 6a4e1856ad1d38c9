"""Settings of one hub process, from `ORDERHUB_*` environment variables."""

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """All settings have defaults: nothing to set for the embedded form (SQLite and an in-process worker)."""

    model_config = SettingsConfigDict(env_prefix="ORDERHUB_", extra="ignore")

    data_dir: Path = Field(
        Path("var"), description="Folder of the embedded database, labels, ledgers and the key file."
    )
    database_url: str | None = Field(
        None, description="SQLAlchemy URL, e.g. postgresql://user@host/orderhub. Default: SQLite in the data folder."
    )
    read_database_url: str | None = Field(
        None,
        description="The same PostgreSQL database as a user who may only read (`hub db read-role`); backtests use it.",
    )
    database_lock_seconds: float = Field(
        30.0, gt=0, description="How long a statement waits for a lock on PostgreSQL before it gives up."
    )
    database_idle_seconds: float = Field(
        120.0, gt=0, description="After how long PostgreSQL ends a transaction in which nothing is said."
    )
    broker_url: str = Field(
        "memory://", description="memory:// (in process), amqp://... (RabbitMQ) or redis://... (Redis)."
    )
    secret_keys: SecretStr | None = Field(
        None,
        description="Fernet keys that encrypt connection secrets, comma separated, newest first. Default: key file.",
    )
    secret_key_file: Path | None = Field(None, description="Key file; default secret.key in the data folder.")
    host: str = Field("127.0.0.1", description="Address that `hub serve` listens on.")
    port: int = Field(8400, ge=0, le=65535, description="Port that `hub serve` listens on.")
    public_url: str | None = Field(None, description="The hub's address as others see it; for links.")
    worker_threads: int = Field(4, ge=1, le=64, description="Worker threads of a process.")
    claim_batch: int = Field(250, ge=1, le=1000, description="Jobs that one worker claims at a time.")
    lease_seconds: float = Field(120.0, ge=5, description="How long a worker may own a job without finishing it.")
    sweep_seconds: float = Field(5.0, gt=0, description="How often due jobs without a doorbell are looked for.")
    max_body_bytes: int = Field(8 * 1024 * 1024, ge=1024, description="Largest request body that the API accepts.")
    log_format: Literal["console", "json"] = Field("console", description="How log lines are written.")
    log_level: Literal["debug", "info", "warning", "error"] = Field("warning", description="Least severe line written.")
    otlp_endpoint: str | None = Field(
        None,
        description="Collector that OpenTelemetry spans go to (OTLP over HTTP), e.g. http://127.0.0.1:4318; needs "
        "`pip install orderhub[otel]`. Default: no spans.",
    )
    drain_seconds: float = Field(
        60.0, gt=0, description="How long a worker that was told to stop may take to finish what it has in hand."
    )
    plugin_modules: tuple[str, ...] = Field((), description="Further plugin modules to load, beside entry points.")
    allow_private_locations: bool = Field(
        False, description="Whether outside warehouses may be told at private addresses."
    )
    keep_jobs_days: int = Field(30, ge=0, description="How long finished jobs are kept whole; 0: for ever.")
    keep_effects_days: int = Field(
        180, ge=0, description="How long the answers to calls that are over are kept; 0: for ever."
    )
    keep_events_days: int = Field(
        730, ge=0, description="How long the timelines of settled orders keep their details; 0: for ever."
    )
    keep_census_days: int = Field(400, ge=0, description="How long the runs of the census are kept; 0: for ever.")
    keep_codes_days: int = Field(
        30, ge=0, description="How long unknown codes of settled orders are asked about; 0: for ever."
    )
    keep_backtests_days: int = Field(
        90, ge=0, description="How long backtests keep their differences, order by order; 0: for ever."
    )
    keep_shadows_days: int = Field(
        90, ge=0, description="How long the disagreements of shadowed rules are kept; 0: for ever."
    )
    keep_waves_days: int = Field(
        90, ge=0, description="How long it is kept what planning orders together saved; 0: for ever."
    )
    keep_answers_days: int = Field(2, ge=1, description="How long a request may be repeated under its Idempotency-Key.")
    hub_id: str = Field("hub", description="Name of this hub in references that go to other systems.")

    @property
    def resolved_database_url(self) -> str:
        """The database URL with the driver that the hub uses."""
        if self.database_url is None:
            return f"sqlite:///{(self.data_dir / 'hub.sqlite3').absolute()}"
        return _with_driver(self.database_url)

    @property
    def resolved_read_url(self) -> str | None:
        """The database URL of those who may only read; None where there is no such user."""
        return _with_driver(self.read_database_url) if self.read_database_url else None

    @property
    def keep_days(self) -> dict[str, int]:
        """How long rows are kept, by kind. How long messages are is up to their plugin and connection."""
        return {
            "jobs": self.keep_jobs_days, "effects": self.keep_effects_days, "events": self.keep_events_days,
            "census": self.keep_census_days, "codes": self.keep_codes_days, "answers": self.keep_answers_days,
            "backtests": self.keep_backtests_days,
            "shadows": self.keep_shadows_days, "waves": self.keep_waves_days,
        }  # fmt: skip

    @property
    def resolved_key_file(self) -> Path:
        """Where the key file is, or would be."""
        return self.secret_key_file or self.data_dir / "secret.key"


def _with_driver(url: str) -> str:
    for prefix in ("postgresql://", "postgres://"):
        if url.startswith(prefix):
            return "postgresql+psycopg://" + url.removeprefix(prefix)
    return url
