"""Wrong answers as learners and public code write them: one module per exercise.

`WRONG` holds, for each function, pairs of an answer and a sentence that says what is wrong in it.
`REPORTED` holds answers that a review of the checks found misjudged, each as (answer, sentence,
must): what a check must make of it, "rejected and named", "rejected" or "passes".
"""
