package format

import "io/fs"

// Folder returns the files of a lab's folder, and the folder's path as a reader is shown
// it. Its errors are those of Lab.
func (c *Catalogue) Folder(id string) (files fs.FS, shown string, err error) {
	e, err := c.find(id)
	if err != nil {
		return nil, "", err
	}
	files, err = fs.Sub(e.source.fsys, e.source.dir)
	return files, e.source.shown(e.source.dir), err
}
