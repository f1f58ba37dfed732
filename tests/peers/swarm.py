"""Two libtorrent sessions on one machine that find each other through the tracker alone.

The seeder serves FOLDER (the content's parent), the leecher fetches into TARGET. DHT, local discovery, port mapping and
peer exchange are off: only the tracker can introduce them. With an empty FOLDER there is no seeder here, and the leecher
needs one elsewhere. With TRACKER, an announce URL, that one takes the place of those that the torrent names. ADDRESS is
where both listen, an IPv6 one in brackets.

Prints one JSON object a line: {"added": role, hashes}, {"tracker": role, "text"}, {"done": {...}} with the seconds it took,
or {"error": text}. Both stay in the swarm until a line comes by standard input; then they leave it.

Usage: swarm.py ADDRESS TORRENT FOLDER TARGET [TRACKER]
"""

import json
import sys
import time

import libtorrent as lt

ADDRESS, TORRENT, FOLDER, TARGET = sys.argv[1:5]
TRACKER = sys.argv[5] if len(sys.argv) > 5 else ""
PATIENCE = 80.0
# What is listened for, and no more: on a slow machine the alerts of every kind outgrow the queue, and some are lost.
KINDS = ("error_notification", "status_notification", "storage_notification", "tracker_notification")


def say(**value):
    print(json.dumps(value), flush=True)


def session():
    mask = 0
    for kind in KINDS:
        mask |= getattr(lt.alert.category_t, kind)
    settings = {
        "listen_interfaces": f"{ADDRESS}:0",
        "outgoing_interfaces": ADDRESS.strip("[]"),
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "allow_multiple_connections_per_ip": True,
        "ssrf_mitigation": False,
        "validate_https_trackers": False,
        "min_announce_interval": 1,
        "announce_to_all_trackers": True,
        "alert_mask": mask,
    }
    return lt.session(settings)


def hashes(info):
    both = info.info_hashes()
    return {
        "v1": str(both.v1) if both.has_v1() else None,
        "v2": str(both.v2) if both.has_v2() else None,
    }


def add(owner, folder, role):
    wanted = lt.add_torrent_params()
    wanted.ti = lt.torrent_info(TORRENT)
    wanted.save_path = folder
    if TRACKER:
        wanted.trackers = [TRACKER]
        wanted.flags |= lt.torrent_flags.override_trackers
    wanted.flags &= ~lt.torrent_flags.auto_managed
    wanted.flags &= ~lt.torrent_flags.paused
    wanted.flags |= lt.torrent_flags.disable_pex | lt.torrent_flags.disable_lsd | lt.torrent_flags.disable_dht
    handle = owner.add_torrent(wanted)
    say(added=role, name=wanted.ti.name(), files=wanted.ti.num_files(), **hashes(wanted.ti))
    return handle


def listen(owner, role, until):
    """Handles what a session tells until the condition holds; False when time is up first."""
    while not until():
        if time.monotonic() > deadline:
            return False
        owner.wait_for_alert(200)
        for alert in owner.pop_alerts():
            if isinstance(alert, lt.tracker_error_alert):
                say(refused=role, text=alert.message())
            elif isinstance(alert, lt.tracker_reply_alert):
                say(tracker=role, text=alert.message())
    return True


def announced(handle, event):
    """Whether the tracker has taken this event (start_sent, complete_sent) under each of the torrent's hashes."""
    both = handle.torrent_file().info_hashes()
    wanted = [number for number, there in enumerate((both.has_v1(), both.has_v2())) if there]
    places = [place for tracker in handle.trackers() for place in tracker["endpoints"]]
    return any(all(place["info_hashes"][number][event] for number in wanted) for place in places)


deadline = time.monotonic() + PATIENCE
started = time.monotonic()
seeder, leecher = session(), session()
if FOLDER:
    seeding = add(seeder, FOLDER, "seeder")
    if not listen(seeder, "seeder", lambda: seeding.status().is_seeding and announced(seeding, "start_sent")):
        say(error=f"the seeder did not get going: {seeding.status().state}, {seeding.trackers()}")
        sys.exit(1)

fetching = add(leecher, TARGET, "leecher")
if not listen(leecher, "leecher", lambda: fetching.status().is_seeding):
    status = fetching.status()
    say(error=f"the leecher stopped at {status.progress:.0%} with {status.num_peers} peers: {fetching.trackers()}")
    sys.exit(1)
fetched = time.monotonic()
if not listen(leecher, "leecher", lambda: announced(fetching, "complete_sent")):
    say(error=f"the completion was not told: {fetching.trackers()}")
    sys.exit(1)

# What was fetched may still wait to be written.
fetching.flush_cache()
written = []
while not written:
    if time.monotonic() > deadline:
        say(error="what was fetched was not written in time")
        sys.exit(1)
    leecher.wait_for_alert(200)
    written = [alert for alert in leecher.pop_alerts() if isinstance(alert, lt.cache_flushed_alert)]

say(done={"seconds": round(fetched - started, 2), **hashes(fetching.torrent_file())})
# Both stay in the swarm until the test has looked, and then tell the tracker that they leave.
sys.stdin.readline()
for owner in (seeder, leecher):
    for handle in owner.get_torrents():
        handle.pause()
sys.stdin.read()
