"""A Ray cluster of two nodes of one core each on this machine, in a process of its own.

It writes its address, then answers each line on standard input by replacing the second node, as if
its machine had been lost; it ends with its standard input.
"""

import sys

from ray.cluster_utils import Cluster

NODE = {"num_cpus": 1, "object_store_memory": 100 << 20, "include_dashboard": False}


def main() -> None:
    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    second = cluster.add_node(**NODE)
    print(cluster.address, flush=True)
    for _ in sys.stdin:
        cluster.remove_node(second, allow_graceful=False)
        second = cluster.add_node(**NODE)
        print("replaced", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    main()
