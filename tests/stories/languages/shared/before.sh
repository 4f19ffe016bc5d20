echo "before"
echo prepared >prepared.txt
