"""Which selection strategy gives the better labels: thousands of small trainings on the photos they pick.

cells      what the probe sees of the photos, computed once and kept
oracle     trains a probe on a few photos and scores it
kept       results in a file, so that an interrupted experiment goes on
trials     which photos each strategy picks from many pools, and the scores
intervals  means with 95 % intervals, and differences to random draws
report     the tables, the figure and the JSON
"""
