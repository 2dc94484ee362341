from django.apps import AppConfig


class AlertsConfig(AppConfig):
    name = "portal.alerts"
    label = "alerts"

    def ready(self) -> None:
        """Keys of webhooks are sealed, too."""
        from portal.alerts import delivery
        from portal.environments import resealing

        resealing.PLACES.append(
            resealing.Place(
                model=self.get_model("Channel"),
                column="encrypted_secret",
                project="project",
                context=lambda channel: delivery.context_of(channel.project.slug, channel.name),
                named=lambda channel: f"key of the webhook {channel.name} in {channel.project.slug}",
            )
        )
