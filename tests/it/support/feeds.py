"""Readers of feeds that share nothing with the product's. Called by tests/it/feeds.rs:

    entries FILE...           each entry of each file as [id, title, link, published, updated], times in seconds, as one JSON list per file
    rss URL FILE [URL FILE]   holds raw RSS against RSS 2.0 and what readers rely on; URL is where the file is
    json SCHEMA OLD FILE...   holds JSON Feeds against the schema, which refers to that of the older version
"""
import calendar
import json
import re
import sys
import xml.etree.ElementTree as xml
from email.utils import parsedate_to_datetime


def entries(*files):
    for file in files:
        print(json.dumps(json_entries(file) if file.endswith(".json") else xml_entries(file)))


def xml_entries(file):
    # feedparser reads XML only (6.0: RSS and Atom); JSON Feed is read below by hand.
    import feedparser

    feed = feedparser.parse(file)
    assert not feed.bozo, feed.bozo_exception

    def at(entry, key):
        return calendar.timegm(entry[key]) if key in entry else None

    # RSS has one time; feedparser gives it as the published one alone.
    return [
        [e.id, e.title, e.link, at(e, "published_parsed"), at(e, "updated_parsed") if feed.version == "atom10" else None]
        for e in feed.entries
    ]


def json_entries(file):
    from datetime import datetime

    def at(text):
        return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())

    items = json.load(open(file))["items"]
    return [[i["id"], i["title"], i["url"], at(i["date_published"]), at(i["date_modified"])] for i in items]


SELF = "{http://www.w3.org/2005/Atom}link"
# RSS 2.0, "Optional channel elements" and "Elements of <item>": the tags, and whether one may stand more than once.
CHANNEL = {"title", "link", "description", "language", "copyright", "managingEditor", "webMaster", "pubDate", "lastBuildDate", "category",
           "generator", "docs", "cloud", "ttl", "image", "rating", "textInput", "skipHours", "skipDays", "item", SELF}
ITEM = {"title", "link", "description", "author", "category", "comments", "enclosure", "guid", "pubDate", "source"}
MANY = {"item", "category", SELF}
RFC822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{1,2} (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4} \d\d:\d\d:\d\d ([+-]\d{4}|GMT)")


def rss(*pairs):
    for url, file in zip(pairs[::2], pairs[1::2]):
        rss_file(url, file)


def rss_file(url, file):
    def fail(what):
        sys.exit(f"{file}: {what}")

    def one(element, tag):
        text = (element.findtext(tag) or "").strip()
        return text or fail(f"<{element.tag}> without <{tag}>")

    def known(element, tags):
        names = [child.tag for child in element]
        for name in names:
            name in tags or fail(f"<{element.tag}> has <{name}>")
            names.count(name) == 1 or name in MANY or fail(f"<{element.tag}> has <{name}> twice")

    def web(text):
        re.fullmatch(r"https?://[^\s<>\"]+", text) or fail(f"{text} is no address")
        return text

    def date(text):
        RFC822.fullmatch(text) or fail(f"{text} is no date of RFC 822")
        moment = parsedate_to_datetime(text)
        moment.strftime("%a") == text[:3] or fail(f"{text} is another weekday")
        return moment

    raw = open(file, "rb").read()
    raw.startswith(b"<?xml ") or raw.startswith(b"<rss ") or fail("begins with neither declaration nor root")
    b"<!DOCTYPE" in raw and fail("has a document type")
    root = xml.fromstring(raw)
    (root.tag, root.get("version")) == ("rss", "2.0") or fail("no <rss version=\"2.0\">")
    [channel] = list(root)
    channel.tag == "channel" or fail("no <channel>")
    known(channel, CHANNEL)
    one(channel, "title"), one(channel, "description"), web(one(channel, "link"))
    re.fullmatch(r"[a-z]{2}(-[a-z0-9]+)*", one(channel, "language")) or fail("language")
    int(one(channel, "ttl")) > 0 or fail("ttl")
    date(one(channel, "lastBuildDate"))
    links = [(link.get("rel"), link.get("type"), link.get("href")) for link in channel.findall(SELF)]
    links == [("self", "application/rss+xml", url)] or fail(f"does not say that it is at {url}: {links}")
    guids, dates = [], []
    for item in channel.findall("item"):
        known(item, ITEM)
        one(item, "title"), one(item, "description"), web(one(item, "link"))
        item.find("guid").get("isPermaLink") == "false" or fail("a guid that is no address has to say so")
        guids.append(one(item, "guid"))
        dates.append(date(one(item, "pubDate")))
    len(set(guids)) == len(guids) or fail(f"a guid twice: {guids}")
    dates == sorted(dates, reverse=True) or fail("not newest first")


def json_feed(schema, old, *files):
    import jsonschema
    import referencing

    schema, old = (json.load(open(file)) for file in (schema, old))
    old = referencing.Resource.from_contents(old)
    registry = referencing.Registry().with_resource("https://json.schemastore.org/feed-1", old)
    for file in files:
        jsonschema.Draft7Validator(schema, registry=registry).validate(json.load(open(file)))


{"entries": entries, "rss": rss, "json": json_feed}[sys.argv[1]](*sys.argv[2:])
