"""EXCS, EXAS and EXCP as the lab has them: their ports, variables and manners, on Python's own library.

Runs inside an image (Debian's python3, psycopg2 and redis), so it imports nothing of the project.
"""
