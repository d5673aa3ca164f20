"""A page in one file: no script, nothing loaded from elsewhere; read on a phone, in the dark, by screen readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
"""A browser that honours it loads nothing, runs nothing and sends nothing, whatever stands in the page."""
_STYLE = """
:root { color-scheme: light dark; --line: #8886; --bad: #b3261e; background: Canvas; color: CanvasText; }
@media (prefers-color-scheme: dark) { :root { --bad: #ffb4ab; } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; }
th, td { text-align: right; padding: .25rem .7rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
th:first-child { text-align: left; }
tbody th { font-weight: 400; }
ul { padding-left: 1.2rem; } li { margin: .35rem 0; }
.bad { color: var(--bad); font-weight: 600; }
figure { margin: 1.5rem 0; } figcaption { font-weight: 600; }
svg { display: block; min-width: 36rem; max-width: 100%; height: auto; }
small { opacity: .85; }
"""


def document(title: str, facts: dict[str, str], parts: Iterable[str]) -> str:
    """The whole page; `facts` stand at the top, `parts` are HTML."""
    told = "<br>".join(f"{escape(k)}: {escape(v)}" for k, v in facts.items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(title)}</h1><p>{told}</p>{''.join(parts)}</main></body></html>"
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]], caption: str = "") -> str:
    """Rows of figures under a head, the first cell of each its title; without a caption the head names it."""
    cells = "".join(f'<th scope="col">{escape(h)}</th>' for h in head)
    body = "".join(
        f'<tr><th scope="row">{escape(title)}</th>' + "".join(f"<td>{escape(c)}</td>" for c in rest) + "</tr>"
        for title, *rest in rows
    )
    named = f"<caption>{escape(caption)}</caption>" if caption else ""
    whole = f"<table>{named}<thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
    return wide(whole, caption or f"Table: {', '.join(head[:3])}")


def wide(inner: str, label: str) -> str:
    """HTML that may be wider than the screen: it is scrolled by itself, by keys too; screen readers say the label."""
    return f'<div class="wide" role="region" tabindex="0" aria-label="{escape(label)}">{inner}</div>'


def items(lines: Iterable[str]) -> str:
    """A list; its lines are HTML."""
    return f"<ul>{''.join(f'<li>{line}</li>' for line in lines)}</ul>"
