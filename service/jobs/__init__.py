"""Jobs: how trainings and evaluations are ordered, and how every job is watched and cancelled."""
