-- Names with letters beyond ASCII.
SELECT seq, name FROM artifacts WHERE name GLOB '*[^ -~]*'
