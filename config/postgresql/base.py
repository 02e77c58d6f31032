"""Django's PostgreSQL backend, but that nothing is asked of PostgreSQL to learn whether it is still there."""

import select

from django.db.backends.postgresql import base


class DatabaseWrapper(base.DatabaseWrapper):
    def is_usable(self) -> bool:
        """Whether a connection that was kept still stands.

        A server that ended or closed it has left word on the socket, and says nothing of its own otherwise:
        while nothing waits there the connection stands. Django would ask SELECT 1 with each request. One that
        was cut off without a word, by a firewall that forgets, is found out by the next statement.
        """
        if self.connection is None or self.connection.closed:
            return False
        socket = select.poll()
        socket.register(self.connection, select.POLLIN)
        return not socket.poll(0) or super().is_usable()
