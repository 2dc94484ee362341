from django.apps import AppConfig


class PromotionsConfig(AppConfig):
    name = "portal.promotions"
    label = "promotions"
