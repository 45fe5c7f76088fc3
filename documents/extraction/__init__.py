"""From a file to elements, a folder for each family of formats; and from elements to one text."""
