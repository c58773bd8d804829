"""Reading a page back."""

from html.parser import HTMLParser


class Parsed(HTMLParser):
    """Tags with their attributes, and the text of the element that holds the data."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.inside, self.data = [], False, ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.inside = dict(attrs).get("id") == "data"

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            self.data += data
