"""Two Ray nodes on this machine, on the loopback; the second is killed, or the head, as lines on standard input say.

It prints the address of the head when both are there, and `done` after each line.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from ray.cluster_utils import Cluster

SIZE = {"num_cpus": 1, "memory": 4 << 30, "object_store_memory": 80_000_000, "node_ip_address": "127.0.0.1"}


def main() -> None:
    """Start both, and do as told."""
    folder = Path(os.environ["RAY_TMPDIR"], "ray")
    folder.mkdir(exist_ok=True)
    cluster = Cluster(
        initialize_head=True, head_node_args={**SIZE, "include_dashboard": False, "temp_dir": str(folder)}
    )
    second = cluster.add_node(**SIZE)
    _say(cluster.address)
    for line in sys.stdin:
        if line.strip() == "lose":
            cluster.remove_node(second, allow_graceful=False)
        if line.strip() == "lose head":
            os.kill(cluster.head_node.all_processes["gcs_server"][0].process.pid, signal.SIGKILL)
        _say("done")
    cluster.shutdown()


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
