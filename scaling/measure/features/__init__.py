"""Features of images: networks behind one interface, their resizing, and the record of both."""
