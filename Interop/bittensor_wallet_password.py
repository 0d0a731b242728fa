#!/usr/bin/env python3
"""Passwords in the environment, as the real bittensor_wallet leaves and takes them. See README.md.

write FOLDER PASSWORD: seals Alice's key in FOLDER/w.x/coldkey, has the wallet save the password, and prints as JSON
what a program that is started now finds in its environment.
read PATH: opens the keyfile at PATH with what the environment holds, and prints its address.
"""

import json
import os
import subprocess
import sys

from bittensor_wallet import Keyfile, Keypair


def write(folder: str, password: str) -> None:
    file = Keyfile(os.path.join(folder, "w.x", "coldkey"), "coldkey")
    file.make_dirs()
    file.set_keypair(Keypair.create_from_uri("//Alice"), encrypt=True, overwrite=True, password=password)
    file.save_password_to_env(password)
    # The wallet sets it behind Python's back; a child has it all the same.
    inherited = subprocess.check_output(["env", "-0"]).decode().split("\0")
    variables = dict(line.split("=", 1) for line in inherited if line.startswith("BT_PW_"))
    print(json.dumps({"path": file.path, "variables": variables}))


def read(path: str) -> None:
    print(json.dumps({"address": Keyfile(path, "coldkey").get_keypair().ss58_address}))


if __name__ == "__main__":
    {"write": write, "read": read}[sys.argv[1]](*sys.argv[2:])
