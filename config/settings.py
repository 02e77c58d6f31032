"""Settings, all from the environment (see .env.example); a bad one stops the start with a sentence."""

from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
import django_htmx
import drf_spectacular_sidecar
import unfold
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from config import environment

BASE_DIR = environment.BASE_DIR
environment.load_settings_file()
VAR_DIR = environment.path("VAR_DIR", BASE_DIR / "var")
environment.load_running_services(VAR_DIR)

DEBUG = environment.flag("DEBUG", False)
# Workers sign nothing, so a node without the key can train; the web process refuses to start without it.
SECRET_KEY = environment.text("SECRET_KEY", "")
SITE_URL = environment.text("SITE_URL", f"http://localhost:{environment.text('PORT', '8000')}").rstrip("/")
ALLOWED_HOSTS = [
    *(host.strip() for host in environment.text("ALLOWED_HOSTS", "").split(",") if host.strip()),
    urlsplit(SITE_URL).hostname or "localhost",
    "localhost",
    "127.0.0.1",
    "[::1]",
]
HTTPS = SITE_URL.startswith("https://")

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.staticfiles",
    "django_htmx",
    "csp",
    "allauth",
    "allauth.account",
    "allauth.usersessions",
    "rest_framework",
    "drf_spectacular",
    "labeling",
    "training",
]

MIDDLEWARE = [
    "config.logs.RequestIdMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.compression.CompressionMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "labeling.language.PersonsLanguageMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "labeling.sessions.LastSeenMiddleware",
    "labeling.accounts.OwnPasswordMiddleware",
    "labeling.errors.DomainErrorMiddleware",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
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
            ],
            "builtins": ["labeling.templatetags.page"],
        },
    },
]

# --- data

DATABASE_URL = environment.text("DATABASE_URL")
DATABASES = {"default": dj_database_url.parse(DATABASE_URL, conn_max_age=3600, conn_health_checks=True)}
DATABASES["default"]["ENGINE"] = "config.postgresql"
# What is prepared (labeling/statements.py) has the same plan from its first time on.
PLANNING = "-c plan_cache_mode=force_generic_plan -c jit=off"
_of_address = DATABASES["default"].setdefault("OPTIONS", {})
_of_address["options"] = " ".join([PLANNING, *filter(None, [_of_address.get("options")])])
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

REDIS_URL = environment.text("REDIS_URL")
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "preceptor",
    }
}
# Snapshots, runs and models: files in, files out.
ARTIFACTS_DIR = environment.path("ARTIFACTS_DIR", VAR_DIR / "artifacts")
# The largest file of prompts that may be uploaded, in MB.
IMPORT_MAX_MB = environment.whole_number("IMPORT_MAX_MB", 500)
# So many tasks a person may have open at a time in all projects together; each project has its own bound too.
OPEN_TASKS_PER_PERSON = environment.whole_number("OPEN_TASKS_PER_PERSON", 10)
BACKUP_DIR = environment.path("BACKUP_DIR", VAR_DIR / "backups")

# --- queue

# Celery spells a unix socket differently from redis-py.
CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {"visibility_timeout": 3600}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
# A beat that was missed is not made up for: the next one does the same.
CELERY_BEAT_SCHEDULE = {
    "sweep": {"task": "training.sweep", "schedule": 20.0, "options": {"expires": 20}},
    "check-rules": {"task": "training.check_rules", "schedule": 30.0, "options": {"expires": 30}},
    "sweep-transfers": {
        "task": "labeling.sweep_transfers",
        "schedule": 20.0,
        "options": {"expires": 20},
    },
    "expire-leases": {"task": "labeling.expire_leases", "schedule": 60.0, "options": {"expires": 60}},
    "fold-counts": {"task": "labeling.fold_counts", "schedule": 60.0, "options": {"expires": 60}},
    "widen-pilots": {"task": "labeling.widen_pilots", "schedule": 60.0, "options": {"expires": 60}},
    "tell-of-tasks": {"task": "labeling.tell_of_tasks", "schedule": 60.0, "options": {"expires": 60}},
    "forget-answers": {"task": "labeling.forget_answers", "schedule": 3600.0, "options": {"expires": 3600}},
}

# --- people

AUTH_USER_MODEL = "labeling.User"
# E-mail addresses are unique by a constraint on their lower case, which the check does not see.
SILENCED_SYSTEM_CHECKS = ["auth.W004"]
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
ACCOUNT_ADAPTER = "labeling.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_FORMS = {"reset_password": "labeling.password_reset.PeoplesResetForm"}
# The link was sent to nobody else; and who failed to sign in too often is not made to wait after all.
ACCOUNT_LOGIN_ON_PASSWORD_RESET = True
# Attempts to sign in: by network address, and failed ones also by account, whether it exists or not. Opening
# an invitation's link, by network address: a roomful of people may have one.
ACCOUNT_RATE_LIMITS = {"login": "30/m/ip", "login_failed": "10/m/ip,5/5m/key", "invitation": "60/m/ip"}
# How many proxies of ours a request passes: so many hops of X-Forwarded-For are believed.
ALLAUTH_TRUSTED_PROXY_COUNT = environment.whole_number("TRUSTED_PROXIES", 0, least=0)
LOGIN_REDIRECT_URL = "home"
LOGIN_URL = "account_login"
# Without a server to give mails to they are printed, and nobody gets one.
MAIL = environment.mail_server("MAIL_URL")
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if MAIL else 'console'}.EmailBackend"
EMAIL_HOST = MAIL.host if MAIL else ""
EMAIL_PORT = MAIL.port if MAIL else 0
EMAIL_HOST_USER = MAIL.user if MAIL else ""
EMAIL_HOST_PASSWORD = MAIL.password if MAIL else ""
EMAIL_USE_SSL = bool(MAIL and MAIL.is_encrypted)
EMAIL_USE_TLS = bool(MAIL and MAIL.starts_tls)
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = environment.text("MAIL_FROM", f"preceptor@{urlsplit(SITE_URL).hostname or 'localhost'}")

# --- language and time

LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Simplified Chinese"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
TIME_ZONE = "UTC"
USE_TZ = True

# --- files of our own origin

STATIC_URL = "static/"
STATIC_ROOT = environment.path("STATIC_ROOT", VAR_DIR / "static")
STATICFILES_DIRS = [
    BASE_DIR / "static",
    # Third-party JavaScript comes out of Python packages: htmx from django-htmx, Chart.js from django-unfold
    # (whose admin theme is not used), Swagger UI from drf-spectacular-sidecar.
    ("vendor", Path(django_htmx.__file__).parent / "static" / "django_htmx"),
    (
        "vendor/swagger",
        Path(drf_spectacular_sidecar.__file__).parent / "static/drf_spectacular_sidecar/swagger-ui-dist",
    ),
    ("vendor/chart", Path(unfold.__file__).parent / "static" / "unfold" / "js" / "chart"),
]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# --- API

API_TOKEN_REQUESTS_PER_MINUTE = environment.whole_number("API_TOKEN_REQUESTS_PER_MINUTE", 600)
API_ADDRESS_REQUESTS_PER_MINUTE = environment.whole_number("API_ADDRESS_REQUESTS_PER_MINUTE", 1200)
REST_FRAMEWORK = {
    "DEFAULT_SCHEMA_CLASS": "labeling.api.schema.ApiSchema",
    "NUM_PROXIES": ALLAUTH_TRUSTED_PROXY_COUNT,
    "URL_FORMAT_OVERRIDE": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Preceptor",
    "VERSION": "1",
    "DESCRIPTION": "Projects, labeling, judgments, snapshots, runs and models. Every error is a problem "
    "(RFC 9457) with a stable `code` and a sentence that says what to do. "
    "[Make a token](/account/tokens/) and send it as `Authorization: Bearer …`.",
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    # Choices stand where they are used: named enumerations would change their names with every addition.
    "POSTPROCESSING_HOOKS": ["labeling.api.schema.refuse_unknown_fields"],
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": None},
    "SWAGGER_UI_DIST": "",
}

# --- safety

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_SSL_REDIRECT = HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = HTTPS
SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = HTTPS
CSRF_COOKIE_SECURE = HTTPS
CSRF_TRUSTED_ORIGINS = [SITE_URL]
X_FRAME_OPTIONS = "DENY"

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.logs.JsonFormatter"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"handlers": ["stderr"], "level": environment.text("LOG_LEVEL", "INFO")},
}
