"""Two libtorrent sessions on one machine that find each other through the tracker alone.

The seeder serves FOLDER (the content's parent), the leecher fetches into TARGET. DHT, local discovery, port mapping and
peer exchange are off: only the tracker can introduce them. With an empty FOLDER there is no seeder here, and the
leecher needs one elsewhere. Prints one JSON object a line: {"added": role, hashes}, {"tracker": reply},
{"done": {...}} with the seconds it took, or {"error": text}.

Usage: swarm.py ADDRESS TORRENT FOLDER TARGET [SECONDS]
"""

import json
import sys
import time

import libtorrent as lt

ADDRESS, TORRENT, FOLDER, TARGET = sys.argv[1:5]
PATIENCE = float(sys.argv[5]) if len(sys.argv) > 5 else 60.0


def say(**value):
    print(json.dumps(value), flush=True)


def session():
    settings = {
        "listen_interfaces": f"{ADDRESS}:0",
        "outgoing_interfaces": ADDRESS,
        "enable_dht": False,
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "allow_multiple_connections_per_ip": True,
        "ssrf_mitigation": False,
        "validate_https_trackers": False,
        "min_announce_interval": 1,
        "announce_to_all_trackers": True,
        "alert_mask": lt.alert.category_t.all_categories,
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


deadline = time.monotonic() + PATIENCE
started = time.monotonic()
seeder, leecher = session(), session()
if FOLDER:
    seeding = add(seeder, FOLDER, "seeder")
    announced = []

    def seeder_is_known():
        return seeding.status().is_seeding and any(t["verified"] for t in seeding.trackers())

    if not listen(seeder, "seeder", seeder_is_known):
        say(error=f"the seeder did not get going: {seeding.status().state}, {seeding.trackers()}")
        sys.exit(1)

fetching = add(leecher, TARGET, "leecher")
if not listen(leecher, "leecher", lambda: fetching.status().is_seeding):
    status = fetching.status()
    say(error=f"the leecher stopped at {status.progress:.0%} with {status.num_peers} peers: {fetching.trackers()}")
    sys.exit(1)

# The completion is told to the tracker before the program ends.
def told():
    return any(isinstance(a, lt.tracker_reply_alert) for a in leecher.pop_alerts())


leecher.wait_for_alert(1000)
listen(leecher, "leecher", told)
say(done={"seconds": round(time.monotonic() - started, 2), **hashes(fetching.torrent_file())})
