"""All settings, in one file. Every deployment difference is an environment variable named SLUICE_…"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlparse

from portal.config import env_flag, env_folders, env_int, env_list, env_networks, env_text, home_folder, secret_from_home

BASE_DIR = Path(__file__).resolve().parent.parent

# --- where things are kept -------------------------------------------------------------------------------------------
SLUICE_HOME = home_folder(BASE_DIR / "var")
LAKE_DIR = SLUICE_HOME / "lake"
"""Local data lake: LAKE_DIR/<project>/<environment>/ is the only data folder an executor of that environment sees."""
RUN_DIR = SLUICE_HOME / "run"
"""Sockets and scratch folders of live processes."""
OBJECT_STORE = env_text("SLUICE_OBJECT_STORE", str(SLUICE_HOME / "objects"))
"""A folder, or s3://bucket/prefix."""
OBJECT_STORE_ENDPOINT = env_text("SLUICE_OBJECT_STORE_ENDPOINT")

# --- who and how -----------------------------------------------------------------------------------------------------
DEBUG = env_flag("SLUICE_DEBUG")
DEMO = env_flag("SLUICE_DEMO")
"""Demo mode: the demo people are one-click buttons on the sign-in page."""
SECRET_KEY = env_text("SLUICE_SECRET_KEY") or secret_from_home(SLUICE_HOME, "django")
VAULT_KEY = env_text("SLUICE_VAULT_KEY")
"""Key of the secrets kept in the database (portal.environments.keys): random signs, or kms: and the ARN of a key in AWS KMS. Empty: the
first line of VAULT_KEYS_FILE."""
VAULT_KEYS_FILE = SLUICE_HOME / "secrets" / "vault"
"""One key a line: the one that seals, then those before it. Made at the first start, changed by `manage.py vault_keys`."""
VAULT_KEY or secret_from_home(SLUICE_HOME, "vault")
VAULT_OLD_KEYS = env_list("SLUICE_VAULT_OLD_KEYS")
"""Keys before the present one; what they sealed stays readable."""
KMS_ENDPOINT = env_text("SLUICE_KMS_ENDPOINT")
"""Where KMS is, when it is not where AWS has it for the key's region: an endpoint of one's own network."""
ALLOWED_HOSTS = env_list("SLUICE_ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
PUBLIC_URL = env_text("SLUICE_PUBLIC_URL", "http://127.0.0.1:8000")
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
HTTPS = PUBLIC_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "portal.audit",
    "portal.accounts",
    "portal.environments",
    "portal.jobs",
    "portal.runs",
    "portal.data",
    "portal.catalogs",
    "portal.looks",
    "portal.queries",
    "portal.pipelines",
    "portal.promotions",
    "portal.alerts",
    "portal.home",
    "portal.scheduler",
    "portal.demo",
    "portal.ui",
    "portal.help",
]

MIDDLEWARE = [
    "portal.middleware.RequestId",
    "portal.middleware.SecurityHeaders",
    "django.middleware.security.SecurityMiddleware",
    "portal.middleware.StaticFiles",
    "portal.wire.Packed",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.middleware.SignInRequired",
    "portal.middleware.OwnPassword",
    "django.contrib.messages.middleware.MessageMiddleware",
    "portal.middleware.PortalErrors",
]

ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.context.navigation",
            ],
        },
    }
]

# --- database --------------------------------------------------------------------------------------------------------
DATABASE_URL = env_text("SLUICE_DATABASE_URL")


def _database() -> dict[str, object]:
    if not DATABASE_URL:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": SLUICE_HOME / "sluice.sqlite3",
            # Every writing transaction begins as a writer, or web, worker and scheduler meet "database is locked".
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON",
            },
        }
    url = urlparse(DATABASE_URL)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": url.path.lstrip("/"),
        "USER": unquote(url.username or ""),
        "PASSWORD": unquote(url.password or ""),
        "HOST": unquote(url.hostname or ""),
        "PORT": str(url.port or ""),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


DATABASES = {"default": _database()}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- people ----------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "/"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_AGE = env_int("SLUICE_SESSION_SECONDS", 12 * 3600)
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_NAME = "__Host-sluice" if HTTPS else "sluice"
CSRF_FAILURE_VIEW = "portal.views.csrf_failure"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SILENCED_SYSTEM_CHECKS = ["security.W002"]  # X-Frame-Options is set by portal.middleware.SecurityHeaders
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024  # above the largest document we want to refuse with its own words (10 MB)

# --- text, time, files -----------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = False
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = SLUICE_HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "portal.wire.HashedFiles"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_ALLOW_ALL_ORIGINS = False

# --- doorbell: Celery over Redis carries ids only; the database is the only truth --------------------------------------
REDIS_URL = env_text("SLUICE_REDIS_URL", f"unix://{RUN_DIR / 'redis.sock'}")
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_IGNORE_RESULT = True
# A lost message is the sweeper's; a worker that loses Redis with one open ends (docs/decisions/worker.md).
CELERY_TASK_ACKS_LATE = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 30
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_WORKER_POOL = "threads"  # one process: when it dies, every executor of it dies in the same moment (docs/decisions/worker.md)
CELERY_WORKER_HIJACK_ROOT_LOGGER = False

# --- runs and previews -----------------------------------------------------------------------------------------------
RUN_LEASE_SECONDS = env_int("SLUICE_RUN_LEASE_SECONDS", 30)
RUN_RENEW_SECONDS = env_int("SLUICE_RUN_RENEW_SECONDS", 10)
RUN_SILENT_SECONDS = env_int("SLUICE_RUN_SILENT_SECONDS", 90)  # an executor says every 5 s that it is alive
RUN_START_SECONDS = env_int("SLUICE_RUN_START_SECONDS", 180)  # from its start to the first word about the run
RUN_CONCURRENCY = env_int("SLUICE_RUN_CONCURRENCY", 2)
"""Runs at a time in one worker process."""
PERSON_RUNS = env_int("SLUICE_PERSON_RUNS", max(1, RUN_CONCURRENCY // 2))
"""Runs of one person at work at a time, over all workers; what schedules start is not counted."""
CELERY_WORKER_CONCURRENCY = RUN_CONCURRENCY + 4  # runs never keep the short tasks (alerts, pipelines) from a thread
WARM_EXECUTORS = env_int("SLUICE_WARM_EXECUTORS", 1)
WARM_IDLE_SECONDS = env_int("SLUICE_WARM_IDLE_SECONDS", 1800)
LAKE_ADDRESS = env_text("SLUICE_LAKE_ADDRESS")
"""How other programs reach LAKE_DIR (file:///mnt/lake, hdfs://…), for statements of tables in folders; empty: they do not."""
KEEP_OUTPUTS = min(env_int("SLUICE_KEEP_OUTPUTS", 2), 20)
"""Earlier outputs that are kept beside each output, to be put back."""
PREVIEW_LEASES = env_int("SLUICE_PREVIEW_LEASES", 3)
PERSON_PREVIEWS = env_int("SLUICE_PERSON_PREVIEWS", max(1, PREVIEW_LEASES - 1))
"""Preview sessions of one person at a time."""
PREVIEW_IDLE_SECONDS = env_int("SLUICE_PREVIEW_IDLE_SECONDS", 600)
# What one run, or one preview, may use at most (docs/decisions/limits.md); Spark's heap is the compute profile's.
RUN_EXTRA_MEMORY_MB = env_int("SLUICE_RUN_EXTRA_MEMORY_MB", 1536)
"""Memory beside Spark's heap."""
RUN_PROCESSES = env_int("SLUICE_RUN_PROCESSES", 1024)
"""Processes and threads."""
RUN_TMP_MB = env_int("SLUICE_RUN_TMP_MB", 20_000)
"""On disk, for what Spark spills; a preview's /tmp is PREVIEW_TMP_MB of memory."""
PREVIEW_TMP_MB = env_int("SLUICE_PREVIEW_TMP_MB", 512)
RUN_SHM_MB = env_int("SLUICE_RUN_SHM_MB", 64)
RUN_WRITES_MB = env_int("SLUICE_RUN_WRITES_MB", 200_000)
"""Written in all: to the lake, and what Spark spills."""
RUN_FILES = env_int("SLUICE_RUN_FILES", 100_000)
"""Files and folders in /tmp, and new ones in the lake."""
KEEP_FREE_MB = env_int("SLUICE_KEEP_FREE_MB", 1024)
"""When less is free on the disk of the lake or of /tmp, runs end: the database often lies there too."""
CGROUP = env_text("SLUICE_CGROUP", "auto")
"""Where control groups of runs are made: auto (a delegated one of version 2), off, or folders with commas between them."""
FILES_MEMORY_MB = env_int("SLUICE_FILES_MEMORY_MB", 2048)
"""Of a program that looks at a file or unpacks one."""
PARSE_SECONDS = env_int("SLUICE_PARSE_SECONDS", 5)
"""To read one query, in executors and in the web process."""
ANALYSIS_SECONDS = env_int("SLUICE_ANALYSIS_SECONDS", 60)
"""To analyse and plan one query."""
EXECUTOR_UID = env_int("SLUICE_EXECUTOR_UID", 1_900_000_001)
"""The user and group of executors where Sluice runs as root. Nobody else may have it."""
PREVIEW_SOCKET = RUN_DIR / "previews.sock"

LOGS_IN_DATABASE_HOURS = env_int("SLUICE_LOGS_IN_DATABASE_HOURS", 24)
"""How long after a run's end its log stays in the database; then it lies in the object store."""

# --- data that people bring and take home ----------------------------------------------------------------------------
UPLOAD_LIMIT_MB = env_int("SLUICE_UPLOAD_LIMIT_MB", 4096)
UPLOAD_KEEP_HOURS = env_int("SLUICE_UPLOAD_KEEP_HOURS", 24)
"""An upload to which nothing was added for so long is given up."""
BIN_DAYS = env_int("SLUICE_BIN_DAYS", 14)
"""How long what was deleted or replaced can be put back."""
DOWNLOAD_ROWS = env_int("SLUICE_DOWNLOAD_ROWS", 100_000)
"""The most rows that one download holds."""

# --- mail ------------------------------------------------------------------------------------------------------------
EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
EMAIL_HOST = env_text("SLUICE_EMAIL_HOST", "127.0.0.1")
EMAIL_PORT = env_int("SLUICE_EMAIL_PORT", 2525)
EMAIL_HOST_USER = env_text("SLUICE_EMAIL_USER")
EMAIL_HOST_PASSWORD = env_text("SLUICE_EMAIL_PASSWORD")
EMAIL_USE_TLS = env_flag("SLUICE_EMAIL_TLS")
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env_text("SLUICE_EMAIL_FROM", "Sluice <sluice@localhost>")

# --- webhooks --------------------------------------------------------------------------------------------------------
WEBHOOK_ALLOW = env_networks("SLUICE_WEBHOOK_ALLOW")
"""Networks that webhooks may reach although they are not public (CIDRs); plain http is allowed to these only."""

# --- connections -----------------------------------------------------------------------------------------------------
CONNECTION_NETWORKS = env_networks("SLUICE_CONNECTION_NETWORKS")
"""Networks that are not public and that connections may name (CIDRs). Sluice's own database and Redis should lie in none of them."""

CONNECTION_KINDS_ALLOWED = env_list("SLUICE_CONNECTION_KINDS_ALLOWED")
"""Kinds of connections that are there only where an operator names them: sqlite."""

ROOT_FOLDERS = env_folders("SLUICE_ROOT_FOLDERS")
"""Folders of this machine below which roots may lie (/srv/data/{project},/mnt/shared); none: roots lie on connections only. One without
{project} is every project's."""

SECRET_BACKENDS = env_text("SLUICE_SECRET_BACKENDS")
"""Secret managers in which connections may name secrets, as JSON: name → kind and settings (docs/decisions/secrets.md)."""

# --- API -------------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "portal.accounts.authentication.ApiTokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["portal.json_body.Parser"],
    "DEFAULT_METADATA_CLASS": None,  # OPTIONS is for other sites' scripts, and none are let in; /api/schema/ describes the API
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_PAGINATION_CLASS": "portal.pagination.Cursor",
    "EXCEPTION_HANDLER": "portal.problem_json.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Sluice API",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "ENFORCE_NON_BLANK_FIELDS": True,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "portal.api_schema.describe_frame"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env_text("SLUICE_LOG_LEVEL", "INFO")},
    # Whatever the level is: these say addresses (a webhook's path is often a password), and at DEBUG what is sent and answered (secrets).
    "loggers": {name: {"level": "WARNING"} for name in ("boto3", "botocore", "hvac", "httpcore", "httpx", "urllib3")},
}
