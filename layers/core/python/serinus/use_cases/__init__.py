"""What Serinus does: one public function a file, named as the verb. It takes ports, returns a typed result."""
