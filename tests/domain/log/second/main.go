// A second verifier: Go's own packages for transparency logs read a log of ours from a folder.
//
// It takes the folder and the log's public key in base64, opens the note in "checkpoint", reads the
// hashes from tiles, which it verifies against the checkpoint's root, and makes and checks every
// proof that "proofs.json" has: ours have to be the same, hash by hash.
package main

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type inclusion struct {
	Index, Size int64
	Root        tlog.Hash
	Leaf        []byte
	Proof       tlog.RecordProof
}

type consistency struct {
	Old, Size     int64
	OldRoot, Root tlog.Hash
	Proof         tlog.TreeProof
}

type proofs struct {
	Inclusion   []inclusion
	Consistency []consistency
}

type folder string

func (folder) Height() int { return 8 }

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var all [][]byte
	for _, tile := range tiles {
		// Go's paths name the height of tiles; C2SP's do not, since it is always 8.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		content, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		all = append(all, content)
	}
	return all, nil
}

func (folder) SaveTiles([]tlog.Tile, [][]byte) {}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	root := folder(os.Args[1])
	public, err := base64.StdEncoding.DecodeString(os.Args[2])
	check(err)
	signed, err := os.ReadFile(filepath.Join(string(root), "checkpoint"))
	check(err)
	origin, _, _ := strings.Cut(string(signed), "\n")
	key, err := note.NewEd25519VerifierKey(origin, ed25519.PublicKey(public))
	check(err)
	verifier, err := note.NewVerifier(key)
	check(err)
	opened, err := note.Open(signed, note.VerifierList(verifier))
	check(err)

	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err)
	hash, err := tlog.ParseHash(lines[2])
	check(err)
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: hash}, root)

	content, err := os.ReadFile(filepath.Join(string(root), "proofs.json"))
	check(err)
	var ours proofs
	check(json.Unmarshal(content, &ours))
	for _, one := range ours.Inclusion {
		check(tlog.CheckRecord(one.Proof, one.Size, one.Root, one.Index, tlog.RecordHash(one.Leaf)))
		theirs, err := tlog.ProveRecord(one.Size, one.Index, reader)
		check(err)
		if len(one.Proof)+len(theirs) > 0 && !reflect.DeepEqual(one.Proof, theirs) {
			check(fmt.Errorf("record %d of %d: another proof", one.Index, one.Size))
		}
	}
	for _, one := range ours.Consistency {
		check(tlog.CheckTree(one.Proof, one.Size, one.Root, one.Old, one.OldRoot))
		theirs, err := tlog.ProveTree(one.Size, one.Old, reader)
		check(err)
		if len(one.Proof)+len(theirs) > 0 && !reflect.DeepEqual(one.Proof, theirs) {
			check(fmt.Errorf("tree %d of %d: another proof", one.Old, one.Size))
		}
	}
	fmt.Println(size, len(ours.Inclusion), len(ours.Consistency))
}
