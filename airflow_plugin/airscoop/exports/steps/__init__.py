"""The steps of an export: register, lock, compute, apply, publish, finish.

Plain functions, which the operators call. From lock to finish an export's steps share one lock:
each takes it up where the step before left it, renews it while it works, and hands it over.
Without Airflow `claim` has the lock for a `with`, and ends the export's work whatever happens.
"""
