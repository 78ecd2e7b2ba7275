"""plots.py RESULTS IMAGES: one SVG a scenario; runs in the peers' environment, for matplotlib."""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams.update(
    {
        "svg.fonttype": "none",  # text stays text
        "svg.hashsalt": "airscoop",  # the same data give the same file
        "font.family": "sans-serif",
        "font.size": 10,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)

import figures  # noqa: E402
from matplotlib import pyplot  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

COLOURS = {"airscoop": "#0b6e4f", "floor": "#444444", "peer": "#9aa5b1"}
BAR_INCHES, HEAD_INCHES = 0.32, 1.1


def bars(axes: Axes, title: str, contenders: list[figures.Contender], values: list[float]) -> None:
    names = [one.name for one in contenders]
    drawn = axes.barh(names, values, color=[COLOURS[one.kind] for one in contenders])
    axes.bar_label(drawn, [_short(value) for value in values], padding=3)
    axes.set_title(title, loc="left", fontsize=10)
    axes.set_xlim(0, max(values) * 1.15)
    axes.tick_params(axis="y", length=0)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def draw(result: figures.Result, path: Path) -> None:
    contenders = sorted(result.contenders, key=lambda one: -one.wall_s)  # the fastest above
    height = HEAD_INCHES + BAR_INCHES * len(contenders)
    figure, (left, right) = pyplot.subplots(
        1, 2, figsize=(9, height), sharey=True, layout="constrained"
    )
    bars(left, "MB/s (more is better)", contenders, [one.mb_per_s for one in contenders])
    title = "client CPU s per GB (less is better)"
    bars(right, title, contenders, [one.cpu_s_per_gb for one in contenders])
    figure.savefig(path, format="svg", metadata={"Date": None})
    pyplot.close(figure)


def main() -> None:
    results, images = map(Path, sys.argv[1:])
    images.mkdir(parents=True, exist_ok=True)
    for result in figures.load(results).values():
        draw(result, images / f"performance-{result.name}.svg")


if __name__ == "__main__":
    main()
