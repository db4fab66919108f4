"""EXCS, EXAS and EXCP as the lab has them: their ports, their variables and their manners.

Runs inside an image (Debian's python3, psycopg2 and redis), so it imports nothing of the project.
"""
