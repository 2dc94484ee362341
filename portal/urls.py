"""The whole site: each app's pages, and each app's API under /api/v1/.

Pages of a project live below /p/<project>/; the apps' url names are `<app>:<page>`.
"""

from __future__ import annotations

from django.urls import include, path
from drf_spectacular.views import SpectacularJSONAPIView

import portal.api_schema  # noqa: F401 - tells the API's description how tokens are sent
from portal import views
from portal.accounts import api as accounts_api
from portal.alerts import api as alerts_api
from portal.audit.pages import api as audit_api
from portal.catalogs import api as catalog_api
from portal.connecting import api as connecting_api
from portal.data import rows_api, upload_api, versions_api
from portal.environments import api as environments_api
from portal.environments import connections_api
from portal.jobs import api as jobs_api
from portal.looks import api as looks_api
from portal.pipelines import api as pipelines_api
from portal.promotions import api as promotions_api
from portal.queries import api as queries_api
from portal.runs import api as runs_api
from portal.runs import download_api, draft_api, place_api, table_api

API = [
    accounts_api,
    environments_api,
    connections_api,
    connecting_api,
    jobs_api,
    runs_api,
    download_api,
    draft_api,
    place_api,
    table_api,
    catalog_api,
    upload_api,
    rows_api,
    versions_api,
    pipelines_api,
    promotions_api,
    alerts_api,
    audit_api,
    looks_api,
    queries_api,
]

urlpatterns = [
    path("", include("portal.home.urls")),
    path("", include("portal.accounts.urls")),
    path("", include("portal.environments.urls")),
    path("", include("portal.connecting.urls")),
    path("", include("portal.jobs.urls")),
    path("", include("portal.runs.urls")),
    path("", include("portal.looks.urls")),
    path("", include("portal.queries.urls")),
    path("", include("portal.catalogs.urls")),
    path("", include("portal.data.urls")),
    path("", include("portal.pipelines.urls")),
    path("", include("portal.promotions.urls")),
    path("", include("portal.alerts.urls")),
    path("", include("portal.audit.pages.urls")),
    path("", include("portal.help.urls")),
    path("", include("portal.ui.urls")),
    path("api/schema/", SpectacularJSONAPIView.as_view(), name="schema"),
    path("healthz", views.live, name="healthz"),
    path("readyz", views.ready, name="readyz"),
    path("favicon.ico", views.favicon),
    path("api/v1/", include([pattern for api in API for pattern in api.urlpatterns])),
]
handler400 = "portal.views.bad_request"
handler403 = "portal.views.forbidden"
handler404 = "portal.views.not_found"
handler500 = "portal.views.server_error"
