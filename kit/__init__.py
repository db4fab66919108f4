"""The air-gapped kit: one archive with all that a machine without any network needs; made,
verified, installed, upgraded, removed.

What runs on that machine before anything is installed there (contents, errors, install, place,
signature, steps, uninstall, verify) imports the standard library alone; a test holds this.
"""
