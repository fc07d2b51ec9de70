"""Grading a class: `normlab grade SUBMISSIONS --out RESULTS`.

In Python:

    from normlab.grading.collect import collect
    from normlab.grading.policy import Policy
    from normlab.grading.run import grade_all

A submission's code runs in a confined process that knows no expected value (`confined`). What its
answers return is compared by a judge in a process of its own (`judge`), with the same exercises
and checks that learners use (`normlab.checks`).
"""
