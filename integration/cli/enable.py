"""`detect enable`, `disable`: starting and stopping the rules that run on the cluster."""

from __future__ import annotations

from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.installation import AlertingOption, desired, steps
from integration.cli.options import Form, FormatOption, RuleOptions, with_rules
from integration.errors import InputError
from integration.install.deployment import Deployment
from integration.install.plan import set_enabled
from integration.targets.choose import SCHEDULER_HINT, Alerting


@with_cluster
@with_rules
def enable(
    cluster: ClusterOptions,
    options: RuleOptions,
    alerting: AlertingOption = Alerting.AUTO,
    form: FormatOption = "table",
) -> None:
    """Start the rules where `detect install` put them; nothing else of them changes.

    Example: detect enable --rule ollama_possible_rce_via_model_loading
    """
    _set_enabled(cluster, options, alerting, form, enabled=True)


@with_cluster
@with_rules
def disable(
    cluster: ClusterOptions,
    options: RuleOptions,
    alerting: AlertingOption = Alerting.AUTO,
    form: FormatOption = "table",
) -> None:
    """Stop the rules; they stay installed, with their open alerts, and an upgrade leaves them stopped.

    Example: detect disable
    """
    _set_enabled(cluster, options, alerting, form, enabled=False)


def _set_enabled(cluster: ClusterOptions, options: RuleOptions, alerting: Alerting, form: Form, *, enabled: bool) -> None:
    with desired(cluster, options.rules, alerting, Deployment(cluster.namespace, options.index)) as wanted:
        if wanted.target is None:
            raise InputError(f"nothing on {wanted.connections.engine.url} runs rules; {SCHEDULER_HINT}")
        with steps(form) as on_step:
            set_enabled(wanted.connections, wanted.rule_objects, enabled=enabled, on_step=on_step)
