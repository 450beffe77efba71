"""A panel in the language of aggregation-based visualizations, which Kibana and OpenSearch Dashboards share since they were one."""

from __future__ import annotations

from typing import Any

from integration.render.panels import Panel, Top

_TABLE = {
    "perPage": 10,
    "showPartialRows": False,
    "showMetricsAtAllLevels": False,
    "showTotal": False,
    "totalFunc": "sum",
    "percentageCol": "",
    "showToolbar": True,
    "autoFitRowToContent": False,
}
_LABELS = {"show": True, "filter": True, "truncate": 100}
_TIME_AXIS = {
    "id": "CategoryAxis-1",
    "type": "category",
    "position": "bottom",
    "show": True,
    "scale": {"type": "linear"},
    "labels": _LABELS,
    "title": {},
    "style": {},
}
_COUNT_AXIS = {
    "id": "ValueAxis-1",
    "name": "LeftAxis-1",
    "type": "value",
    "position": "left",
    "show": True,
    "scale": {"type": "linear", "mode": "normal"},
    "labels": _LABELS | {"rotate": 0, "filter": False},
    "style": {},
}
_SERIES = {
    "show": True,
    "type": "histogram",
    "mode": "stacked",
    "valueAxis": "ValueAxis-1",
    "drawLinesBetweenPoints": True,
    "lineWidth": 2,
    "interpolate": "linear",
    "showCircles": True,
    "circlesRadius": 1,
}
# Keys that one of the two does not know are ignored there.
_BARS = {
    "type": "histogram",
    "grid": {"categoryLines": False},
    "categoryAxes": [_TIME_AXIS],
    "addTooltip": True,
    "detailedTooltip": True,
    "addLegend": True,
    "legendPosition": "right",
    "palette": {"type": "palette", "name": "default"},
    "times": [],
    "addTimeMarker": False,
    "truncateLegend": True,
    "maxLegendLines": 1,
    "labels": {"show": False},
    "thresholdLine": {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"},
}
_COUNT = "1"


def text(title: str, markdown: str) -> dict[str, Any]:
    """Return the state of a visualization that shows a text."""
    return {
        "title": title,
        "type": "markdown",
        "aggs": [],
        "params": {"fontSize": 12, "openLinksInNewTab": False, "markdown": markdown},
    }


def visualization(panel: Panel) -> dict[str, Any]:
    """Return the state of a panel's visualization: a table, or bars over time."""
    counted = panel.source.counted
    aggregations = [_aggregation("count", "metric", {"customLabel": counted})]
    if panel.highest is not None:
        aggregations.append(_aggregation("max", "metric", {"field": panel.highest.field, "customLabel": panel.highest.title}))
    if panel.over_time:
        time = {"field": "@timestamp", "interval": "auto", "min_doc_count": 1, "extended_bounds": {}, "drop_partials": False}
        aggregations.append(_aggregation("date_histogram", "segment", time))
    if panel.rows:
        aggregations.append(_aggregation("filters", "bucket", {"filters": _rows(panel)}))
    split = "group" if panel.over_time else "bucket"
    aggregations += [_aggregation("terms", split, _terms(panel, top)) for top in panel.by]
    numbered = [{"id": str(number), **each} for number, each in enumerate(aggregations, int(_COUNT))]
    made = {"title": panel.title, "aggs": numbered}
    if not panel.over_time:
        return made | {"type": "table", "params": _TABLE}
    series = _SERIES | {"data": {"id": _COUNT, "label": counted}}
    axis = _COUNT_AXIS | {"title": {"text": counted}}
    return made | {"type": "histogram", "params": _BARS | {"valueAxes": [axis], "seriesParams": [series]}}


def _aggregation(kind: str, schema: str, params: dict[str, Any]) -> dict[str, Any]:
    return {"enabled": True, "type": kind, "schema": schema, "params": params}


def _terms(panel: Panel, top: Top) -> dict[str, Any]:
    return {
        "field": top.field,
        "size": panel.size,
        "order": "desc",
        "orderBy": _COUNT,
        "otherBucket": False,
        "otherBucketLabel": "Other",
        "missingBucket": False,
        "missingBucketLabel": "Missing",
        "customLabel": top.title,
    }


def _rows(panel: Panel) -> list[dict[str, Any]]:
    return [{"label": label, "input": {"query": query, "language": "lucene"}} for label, query in panel.rows.items()]
