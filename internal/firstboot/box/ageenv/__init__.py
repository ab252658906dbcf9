"""Put this box's secret files in place: the program that the startup script carries.

    ageenv drop      put the files in place again, as at every boot
    ageenv status    print the status file
    ageenv verify    check what was promised; --health URL: and that this URL answers

The map: main.py has the commands; plan.py what the script asked for; identity.py,
unseal.py and reader.py get the plaintext; walk.py, drafts.py and target.py put files in
place, by descriptor alone; store.py has the program's own directories; keep.py and
units.py prepare later boots; instance.py tells a clone, and earlier.py what it has of
earlier scripts; after.py restarts what reads the files; user_script.py runs the user's
own script; metadata.py closes what shows the startup script; watch.py holds the
deadline; status.py and metrics.py report; verify.py checks.

Python 3.6 and its standard library. A module is compiled when it is imported, so the
commands of every boot import little: json, base64 and re take 10 to 20 ms each.
"""
