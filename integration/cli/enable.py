"""`detect enable`, `disable`: starting and stopping the rules that run on the cluster."""

from __future__ import annotations

from integration.cli.config import ConfigOption, IndexOption, configured
from integration.cli.connection import ClusterOptions, with_cluster
from integration.cli.installation import AlertingOption, desired, steps
from integration.cli.options import Format, FormatOption, RuleOption, RulesOption
from integration.detection.model import Rule
from integration.errors import InputError
from integration.install.deployment import Deployment
from integration.install.plan import set_enabled
from integration.targets.choose import SCHEDULER_HINT, Alerting


@with_cluster
def enable(
    cluster: ClusterOptions,
    rule: RuleOption = None,
    rules: RulesOption = None,
    alerting: AlertingOption = Alerting.AUTO,
    index: IndexOption = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Start the rules where `detect install` put them; nothing else of them changes.

    Example: detect enable --rule ollama_possible_rce_via_model_loading
    """
    _, loaded = configured(config, rules, rule)
    _set_enabled(cluster, loaded, alerting, index, form, enabled=True)


@with_cluster
def disable(
    cluster: ClusterOptions,
    rule: RuleOption = None,
    rules: RulesOption = None,
    alerting: AlertingOption = Alerting.AUTO,
    index: IndexOption = None,
    config: ConfigOption = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Stop the rules; they stay installed, with their open alerts, and an upgrade leaves them stopped.

    Example: detect disable
    """
    _, loaded = configured(config, rules, rule)
    _set_enabled(cluster, loaded, alerting, index, form, enabled=False)


def _set_enabled(
    cluster: ClusterOptions, rules: tuple[Rule, ...], alerting: Alerting, index: str | None, form: Format, *, enabled: bool
) -> None:
    with desired(cluster, rules, alerting, Deployment(cluster.namespace, index)) as wanted:
        if wanted.target is None:
            raise InputError(f"nothing on {wanted.connections.engine.url} runs rules; {SCHEDULER_HINT}")
        with steps(form) as on_step:
            set_enabled(wanted.connections, wanted.rule_objects, enabled=enabled, on_step=on_step)
