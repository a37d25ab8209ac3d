"""Many clips: found, planned, tracked by worker processes, and kept account of, so that a killed batch goes on.

    find       IN → the clips, with their prompts
    manifest   what is known of each clip, in OUT, across calls
    plan       clips and manifest → what there is to do
    owner      the loop: hands clips to workers, writes the manifest, tells what happens
    pool       worker processes on this machine; ray_pool: on a cluster
    worker     such a process; job: one clip in it

Nothing is imported here: a worker sets its number of threads before numpy is there.
"""
