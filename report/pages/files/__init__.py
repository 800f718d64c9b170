"""What stands beside the pages: tables as CSV, which every table of a page and all raw numbers can be had as."""
