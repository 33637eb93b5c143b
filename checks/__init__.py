"""The law: articles as data and one pure function for each check. No I/O, no clock but the scan's."""
