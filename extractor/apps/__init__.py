"""What people do with extractions. Nothing below imports an app; each brings its command and its
page.
"""
