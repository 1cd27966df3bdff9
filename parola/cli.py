"""``parola``: the command line."""
from __future__ import annotations
import argparse
from pathlib import Path
from parola.config import load
def main() -> None:
    p = argparse.ArgumentParser(prog="parola"); sub = p.add_subparsers(dest="command", required=True)
    s = sub.add_parser("serve")
    for n, t in (("host", str), ("port", int), ("data", Path), ("models", Path), ("project", Path), ("auth", str)): s.add_argument(f"--{n}", type=t)
    for n in ("ephemeral", "enclave", "preload"): s.add_argument(f"--{n}", action="store_const", const=True)
    s.add_argument("--config", type=Path)
    m = sub.add_parser("models"); m.add_argument("what", nargs="?")
    a = p.parse_args()
    if a.command == "serve":
        flags = {k: v for k, v in vars(a).items() if k not in ("command", "config")}
        from parola.terminal.serve import serve
        serve(load(flags, file=a.config).settings)
    elif a.what == "install":
        from parola.config import default_models_dir
        from parola.providers.catalogue import install
        install(default_models_dir(), print)
if __name__ == "__main__":
    main()
