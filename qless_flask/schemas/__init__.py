"""How everything looks on the wire, a noun a file; the server and the HTTP backend read and write by the same table."""
