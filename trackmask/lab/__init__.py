"""The experiments behind docs/why-fully-connected.md, by `trackmask lab`."""

#: In their order. Each is a module here whose `run(bench)` measures, and writes NAME.json last.
EXPERIMENTS = ("ladder", "receptive", "hierarchy", "ablation", "adversarial")
