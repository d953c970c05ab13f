"""Where an attack meets the server: the server's process, the attackers', the good clients', and who watches them."""
