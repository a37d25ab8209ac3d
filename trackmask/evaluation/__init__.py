"""Measuring: data sets in, DAVIS's figures and contact sheets of any method out. Never imported by `run`."""
