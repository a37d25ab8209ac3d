"""Files that are broken on purpose, from a number: the same number gives the same file with the same FFmpeg.

    PYTHONPATH=tests python -m fuzz --count 10000     from the checkout's root; --help tells the rest

seeds.py makes whole files, mutate.py breaks them, doors.py is where they come in, campaign.py watches from outside.
"""
