"""What other tools write and read: annotation formats and masks' pictures, each in one place."""
